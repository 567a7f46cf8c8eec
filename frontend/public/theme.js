// The chosen theme, before anything is painted; src/lib/theme.ts changes it.
try {
  const chosen = localStorage.getItem('palmonas.theme');
  if (chosen === 'light' || chosen === 'dark') {
    document.documentElement.dataset.theme = chosen;
  }
} catch {
  // no storage: the system's theme
}
