// Runs before the first paint, so that a chosen theme does not flash. "auto", and a browser without storage, follow the system.
try {
  const theme = localStorage.getItem("coffee-rt:theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // storage is disabled
}
