// Runs before the first paint, so that a chosen colour scheme does not flash the other one.
const theme = localStorage.getItem("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
