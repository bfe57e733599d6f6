// Vercel's AI SDK with its OpenAI provider (Responses), its xAI provider (Responses), the
// OpenAI-compatible one (Chat Completions); and OpenAI's own client for JavaScript.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createXai } from "@ai-sdk/xai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const [base, question] = process.argv.slice(2);
const baseURL = `${base}/v1`;
const openai = createOpenAI({ baseURL, apiKey: "any" });
const compatible = createOpenAICompatible({ name: "gnomon", baseURL, apiKey: "any" });
const xai = createXai({ baseURL, apiKey: "any" });
const common = { prompt: question, maxRetries: 0 };

async function streamed(model, more = {}) {
  const result = streamText({ model, ...common, ...more });
  let text = "";
  for await (const part of result.textStream) text += part;
  const sources = (await result.sources).map((source) => source.url);
  return { text, sources, finish: await result.finishReason };
}

const responses = await generateText({ model: openai.responses("gnomon"), ...common });
const chat = await generateText({ model: openai.chat("gnomon"), ...common });
const plain = await generateText({ model: compatible("gnomon"), ...common });
const grok = await generateText({ model: xai.responses("gnomon"), ...common });
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const own = await client.responses.create({ model: "gnomon", input: question });
const ownStream = await client.chat.completions.create({
  model: "gnomon",
  stream: true,
  messages: [{ role: "user", content: question }],
});
let ownText = "";
for await (const chunk of ownStream) ownText += chunk.choices[0]?.delta?.content ?? "";

console.log(
  JSON.stringify({
    responses: responses.text,
    sources: responses.sources.map((source) => source.url),
    usage: responses.usage.totalTokens,
    chat: chat.text,
    compatible: plain.text,
    xai: grok.text,
    xai_sources: grok.sources.map((source) => source.url),
    streamed: await streamed(openai.responses("gnomon")),
    searched: await streamed(openai.responses("gnomon"), {
      tools: { web_search: openai.tools.webSearch({ externalWebAccess: false }) },
    }),
    openai: own.output_text,
    openai_streamed: ownText,
  }),
);
