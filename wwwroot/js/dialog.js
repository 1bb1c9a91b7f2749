// Opens and closes a native dialog for ModalDialog.razor and tells it when the reader closed it (Escape, or a click beside it).

export function show(element, owner) {
  if (!element.dataset.wired) {
    element.dataset.wired = '';
    element.addEventListener('close', () => owner.invokeMethodAsync('ClosedAsync'));
    element.addEventListener('click', event => {
      if (event.target === element) element.close();
    });
  }
  if (!element.open) element.showModal();
  element.querySelector('input, button')?.focus();
}

export function close(element) {
  if (element.open) element.close();
}
