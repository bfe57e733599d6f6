// What the search says about pictures. Both languages have the same keys
// (tests/test_search_images.py).

export const en = {
  kinds: "What to look for",
  posts: "Posts",
  pictures: "Pictures",
  help: "Pictures in posts, by what they show. A picture that many posts show is one.",
  count: (n, posts) => `${n} ${n === 1 ? "picture" : "pictures"} in ${posts} ${posts === 1 ? "post" : "posts"}`,
  none: "No picture matches.",
  noneNext: "Other words may find one.",
  noAlt: "no description",
  shownBy: (n, authors) => `One picture, shown by ${n} posts of ${authors} ${authors === 1 ? "account" : "accounts"}`,
  first: "first:",
  open: "Open the post",
  permalink: "The post",
  asked: (words) => `Looked for: ${words}`,
  notTranslated: (words) => `Not translated: ${words}`,
  unseen: (n) => `${n} ${n === 1 ? "picture has" : "pictures have"} not been looked at yet.`,
  gone: "This picture is no longer kept.",
  near: (model, value) => `${model}: ${value}`,
};

export const zh = {
  kinds: "搜索什么",
  posts: "帖子",
  pictures: "图片",
  help: "按画面内容搜索帖子里的图片。许多帖子用的同一张图片只算一张。",
  count: (n, posts) => `${posts} 条帖子中的 ${n} 张图片`,
  none: "没有匹配的图片。",
  noneNext: "换个说法试试。",
  noAlt: "没有说明",
  shownBy: (n, authors) => `同一张图片，${authors} 个账号的 ${n} 条帖子`,
  first: "最早：",
  open: "打开帖子",
  permalink: "帖子",
  asked: (words) => `实际搜索：${words}`,
  notTranslated: (words) => `未能翻译：${words}`,
  unseen: (n) => `还有 ${n} 张图片没有看过。`,
  gone: "这张图片已不再保存。",
  near: (model, value) => `${model}：${value}`,
};
