// Runs before anything is painted, so that a dark page never flashes white.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("selvedge-theme");
    document.documentElement.dataset.bsTheme = chosen || (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
})();
