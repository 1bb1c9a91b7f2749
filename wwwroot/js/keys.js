// Hands the keys of the shortcut table to MainLayout.razor. A key typed into a field stays there, unless it comes with Ctrl.

const fields = 'input, textarea, select, [contenteditable]';

export function listen(owner, keys) {
  const wanted = new Set(keys);
  const onKey = event => {
    const withControl = event.ctrlKey || event.metaKey;
    if (event.altKey || (!withControl && event.target.closest?.(fields))) return;
    const key = (withControl ? 'Ctrl+' : '') + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!wanted.has(key)) return;
    event.preventDefault();
    if (!event.repeat) owner.invokeMethodAsync('KeyAsync', key);
  };
  document.addEventListener('keydown', onKey);
  return { stop: () => document.removeEventListener('keydown', onKey) };
}
