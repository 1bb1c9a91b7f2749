// What DeviceTree.razor cannot do from the server: keep the browser from scrolling on keys that move the selection, bring a row into view that is not drawn yet, and name what is dragged
// (Firefox starts no drag without data).

export function attach(tree, keys) {
  const handled = new Set(keys);
  const onKey = event => {
    if (handled.has(event.key) || (event.key === 'F10' && event.shiftKey)) event.preventDefault();
  };
  const onDrag = event => {
    const row = event.target.closest('[data-drag]');
    if (!row) return;
    event.dataTransfer.setData('text/plain', row.dataset.drag);
    event.dataTransfer.effectAllowed = 'link';
  };
  tree.addEventListener('keydown', onKey);
  tree.addEventListener('dragstart', onDrag);
  return {
    reveal(index, rowHeight) {
      const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      const top = index * rowHeight * scale;
      if (top < tree.scrollTop) tree.scrollTop = top;
      else if (top + 2 * rowHeight > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + 2 * rowHeight - tree.clientHeight;
    },
    stop() {
      tree.removeEventListener('keydown', onKey);
      tree.removeEventListener('dragstart', onDrag);
    },
  };
}
