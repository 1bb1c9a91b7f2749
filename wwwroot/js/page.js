// What every page needs once: copying on click and the buttons of the reconnect notice. Delegated, so that thousands of addresses cost no handlers.

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // The browser withholds the clipboard, e.g. on plain http from another host; the reader is told.
  }
}

function say(text) {
  const note = document.createElement('div');
  note.className = 'copy-note';
  note.setAttribute('role', 'status');
  note.textContent = text;
  document.body.append(note);
  note.addEventListener('animationend', () => note.remove());
}

document.addEventListener('click', async event => {
  const source = event.target.closest('[data-copy]');
  if (source) {
    say(await copy(source.dataset.copy) ? 'Copied' : 'The browser does not allow copying here');
  } else if (event.target.closest('[data-reconnect]')) {
    if (!await Blazor.reconnect()) location.reload();
  } else if (event.target.closest('[data-reload]')) {
    location.reload();
  }
});
