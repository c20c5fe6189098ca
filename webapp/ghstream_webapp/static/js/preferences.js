// How this person likes to read the page: colour scheme and time zone, kept in this browser.

/** Let `button` change the colour scheme; `changed()` is called after each change. */
export function followTheme(button, changed) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    show();
    changed();
  });
  system.addEventListener("change", () => {
    show();
    changed();
  });
  show();
}

/** Let the radio buttons of `form` choose the time zone: utc or local. Returns its reader. */
export function followZone(form, changed) {
  const choice = form.elements.zone;
  choice.value = localStorage.getItem("zone") === "local" ? "local" : "utc";
  form.addEventListener("change", () => {
    localStorage.setItem("zone", choice.value);
    changed();
  });
  return () => choice.value;
}
