// The words of drawing, fetched with its view.

export const words = {
  en: {
    lede: "Say what you would like to see. Keywords become a full prompt, which you can see and change first.",
    prompt: "What is to be drawn", hint: "a lighthouse in fog, woodcut", go: "Draw", stop: "Stop", see: "See the full prompt",
    full: "The prompt that the model gets", asIs: "Draw this", size: "Size", own: "the model's own", count: "How many", seed: "Seed",
    chance: "by chance", steps: "Steps", from: "Start from a picture", strength: "How far to go from it", more: "Size, seed and more",
    progress: (step, steps, n, of) => (of > 1 ? `Picture ${n} of ${of}: ` : "") + `step ${step} of ${steps}`,
    begun: "Drawing …", done: (n) => (n === 1 ? "The picture is done." : `${n} pictures are done.`), stopped: "Stopped.",
    none: "Nothing draws here", gallery: "Your pictures", empty: "No pictures yet.", older: "Older ones",
    like: "More like this", again: "The same again", save: "Save", remove: "Delete", removed: "The picture is deleted.",
    sure: "Delete for good?", keep: "Keep it",
    by: (model, seed) => `${model} · seed ${seed}`, signed: "signed", unsigned: "not signed", got: "Prompt", asked: "Asked",
    warned: (rules) => `Your owner's rules warn: ${rules}`, notTranslated: (words) => `Not translated: ${words}`,
    unchecked: "Not looked for in the picture", rules: "What is refused here", actions: { off: "allowed", warn: "warned of", refuse: "refused" },
    soFar: "What the picture looks like so far", edit: "Use it as the start",
  },
  zh: {
    lede: "说出你想看到的画面。几个关键词会变成完整的提示词，可以先看、先改。",
    prompt: "画什么", hint: "雾中的灯塔，木刻", go: "画", stop: "停止", see: "看完整提示词",
    full: "交给模型的提示词", asIs: "就画这个", size: "尺寸", own: "模型默认", count: "张数", seed: "种子",
    chance: "随机", steps: "步数", from: "从一张图开始", strength: "离原图多远", more: "尺寸、种子等",
    progress: (step, steps, n, of) => (of > 1 ? `第 ${n}/${of} 张：` : "") + `第 ${step}/${steps} 步`,
    begun: "正在画……", done: (n) => (n === 1 ? "画好了。" : `${n} 张画好了。`), stopped: "已停止。",
    none: "这里没有能画画的模型", gallery: "你的图片", empty: "还没有图片。", older: "更早的",
    like: "再来类似的", again: "再画同一张", save: "保存", remove: "删除", removed: "图片已删除。",
    sure: "确定删除？", keep: "保留",
    by: (model, seed) => `${model} · 种子 ${seed}`, signed: "已签名", unsigned: "未签名", got: "提示词", asked: "原话",
    warned: (rules) => `所有者的规则提醒：${rules}`, notTranslated: (words) => `未能翻译：${words}`,
    unchecked: "图中没有检查的", rules: "这里拒绝什么", actions: { off: "允许", warn: "提醒", refuse: "拒绝" },
    soFar: "目前画成的样子", edit: "以它为起点",
  },
};
