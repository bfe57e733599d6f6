// The language that the page speaks: chosen here before, else the browser's own. Only its words are
// fetched.

/** [key, its own name, its tag] of each language. */
export const languages = [["en", "English", "en"], ["zh", "中文", "zh-Hans"]];

function remembered() {
  try {
    return localStorage.getItem("gnomon.lang");
  } catch {
    return null; // storage is off: the browser's own language decides
  }
}

export let lang = remembered() || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
if (!languages.some(([key]) => key === lang)) lang = "en";
const words = async (name) => (await import(`./words.${name}.js`)).default;
export let t = await words(lang);

let spoken = () => {};

/** `f()` is called when the language was changed. */
export const onSpeak = (f) => (spoken = f);

export async function speak(next, remember = true) {
  t = await words(next);
  lang = next;
  document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
  try {
    if (remember) localStorage.setItem("gnomon.lang", next);
  } catch {
    // nothing to remember it in
  }
  spoken();
}
