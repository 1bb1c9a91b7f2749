// Tells LogTable.razor when its list leaves its top and when it is back, and takes it there. Where arrows move the selection they do not scroll too.
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
  list.addEventListener('scroll', onScroll, { passive: true });
  list.addEventListener('keydown', onKey);
  return {
    top: () => { list.scrollTop = 0; },
    show: () => {
      const row = list.querySelector('tr.selected');
      row?.scrollIntoView({ block: 'nearest' });
      row?.querySelector('button')?.focus({ preventScroll: true });
    },
    stop: () => {
      list.removeEventListener('scroll', onScroll);
      list.removeEventListener('keydown', onKey);
    },
  };
}
