// Tells EventTable.razor when its list leaves its top and when it is back, and takes it there.
import { caller } from './owner.js';

export function attach(list, owner) {
  const call = caller(owner, list);
  let atTop = true;
  const onScroll = () => {
    const top = list.scrollTop < 4;
    if (top === atTop) return;
    atTop = top;
    call('AtTopAsync', top);
  };
  list.addEventListener('scroll', onScroll, { passive: true });
  return {
    top: () => { list.scrollTop = 0; },
    stop: () => list.removeEventListener('scroll', onScroll),
  };
}
