// Before the first paint: the theme that was chosen last time.
try {
  const chosen = localStorage.getItem("gnomon.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // storage is off: the system's own choice holds
}
