// Lights what belongs together in CallDetail.razor: a field's row and its bytes, a pointer and its buffer, by data-field and data-buffer. With the mouse and with the keyboard alike.

export function attach(detail) {
  const light = (event) => {
    for (const element of detail.querySelectorAll('.lit')) element.classList.remove('lit');
    if (event.type !== 'mouseover' && event.type !== 'focusin') return;
    for (const name of ['buffer', 'field']) {
      const at = event.target.closest(`[data-${name}]`);
      if (!at || !detail.contains(at)) continue;
      for (const element of detail.querySelectorAll(`[data-${name}="${at.dataset[name]}"]`)) element.classList.add('lit');
    }
  };
  const onClick = (event) => {
    const pointer = event.target.closest('a[data-buffer]');
    if (pointer) detail.querySelector(`figure[data-buffer="${pointer.dataset.buffer}"]`)?.scrollIntoView({ block: 'nearest' });
  };
  const events = ['mouseover', 'mouseleave', 'focusin', 'focusout'];
  for (const name of events) detail.addEventListener(name, light);
  detail.addEventListener('click', onClick);
  return {
    stop: () => {
      for (const name of events) detail.removeEventListener(name, light);
      detail.removeEventListener('click', onClick);
    },
  };
}
