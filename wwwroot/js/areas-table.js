// Tells AreasTable.razor which rows its list shows, and brings a row into view. Rows have one height, which the list is told; the heading sticks to the top and covers what is under it.
import { caller } from './owner.js';

/** @param owner .NET object with RowsInViewAsync(first, count), zero-based */
export function attach(list, owner, rowHeight) {
  const call = caller(owner, list);
  let told = '';
  let frame = 0;
  const head = () => list.querySelector('thead').offsetHeight;
  const tell = () => {
    frame = 0;
    // A row counts when at least half of it is seen.
    const first = Math.max(Math.round(list.scrollTop / rowHeight), 0);
    const count = Math.max(Math.round((list.scrollTop + list.clientHeight - head()) / rowHeight) - first, 0);
    if (`${first} ${count}` === told) return;
    told = `${first} ${count}`;
    call('RowsInViewAsync', first, count);
  };
  const soon = () => { frame ||= requestAnimationFrame(tell); };
  const size = new ResizeObserver(soon);
  list.addEventListener('scroll', soon, { passive: true });
  size.observe(list);
  return {
    /** Scrolls no further than needed. */
    reveal: index => {
      const top = index * rowHeight;
      const bottom = top + rowHeight - (list.clientHeight - head());
      if (list.scrollTop > top) list.scrollTop = top;
      else if (list.scrollTop < bottom) list.scrollTop = bottom;
    },
    stop: () => {
      cancelAnimationFrame(frame);
      size.disconnect();
      list.removeEventListener('scroll', soon);
    },
  };
}
