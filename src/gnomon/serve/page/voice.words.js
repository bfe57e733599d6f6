// What the page says about speaking and listening. Both languages have the same keys
// (tests/test_voice_page.py).

export const en = {
  hold: "Hold to talk (or hold the space bar)",
  release: "Let go to ask",
  listening: "Listening",
  hearing: "Making out what you said",
  nothing: "No words could be made out. Hold the button while you speak.",
  refused: "The microphone may not be used: allow it for this page in your browser.",
  noMicrophone: "No microphone can be used here.",
  mute: "This cannot be read aloud.",
  read: "Read aloud",
  key: "Hold to talk",
};

export const zh = {
  hold: "按住说话（或按住空格键）",
  release: "松开即提问",
  listening: "正在听",
  hearing: "正在辨认您说的话",
  nothing: "没有听清。说话时请按住按钮。",
  refused: "不能使用麦克风：请在浏览器中允许本页使用。",
  noMicrophone: "这里没有可用的麦克风。",
  mute: "无法朗读。",
  read: "朗读",
  key: "按住说话",
};
