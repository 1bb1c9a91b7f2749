// Tells EventTable.razor when its list leaves its top and when it is back, and takes it there.

export function attach(list, owner) {
  let atTop = true;
  const onScroll = () => {
    const top = list.scrollTop < 4;
    if (top === atTop) return;
    atTop = top;
    owner.invokeMethodAsync('AtTopAsync', top);
  };
  list.addEventListener('scroll', onScroll, { passive: true });
  return {
    top: () => { list.scrollTop = 0; },
    stop: () => list.removeEventListener('scroll', onScroll),
  };
}
