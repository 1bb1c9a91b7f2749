// Tells LogTable.razor when its list leaves its top and when it is back, and takes it there. Where arrows move the selection they do not scroll too. A drag over text selects the text, not the row. A row that was in sight stays so when
// what it opens takes room from the list.
import { caller } from './owner.js';

export function attach(list, owner, hasArrows) {
  const call = caller(owner, list);
  let atTop = true;
  const onScroll = () => {
    const top = list.scrollTop < 4;
    if (top === atTop) return;
    atTop = top;
    call('AtTopAsync', top);
  };
  const onKey = (event) => {
    if (hasArrows && (event.key === 'ArrowDown' || event.key === 'ArrowUp') && !event.ctrlKey && !event.altKey && !event.metaKey) event.preventDefault();
  };
  // Rows listen further out, at the document.
  const onClick = (event) => {
    if (getSelection().type === 'Range' && !event.target.closest('button, a')) event.stopPropagation();
  };
  let height = list.clientHeight;
  const resized = new ResizeObserver(() => {
    const row = list.querySelector('tr.selected');
    if (list.clientHeight < height && row?.getBoundingClientRect().top < list.getBoundingClientRect().top + height) row.scrollIntoView({ block: 'nearest' });
    height = list.clientHeight;
  });
  resized.observe(list);
  list.addEventListener('scroll', onScroll, { passive: true });
  list.addEventListener('keydown', onKey);
  list.addEventListener('click', onClick);
  return {
    top: () => { list.scrollTop = 0; },
    show: () => {
      const row = list.querySelector('tr.selected');
      row?.scrollIntoView({ block: 'nearest' });
      row?.querySelector('button')?.focus({ preventScroll: true });
    },
    stop: () => {
      resized.disconnect();
      list.removeEventListener('scroll', onScroll);
      list.removeEventListener('keydown', onKey);
      list.removeEventListener('click', onClick);
    },
  };
}
