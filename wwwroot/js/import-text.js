// Takes a listing from the field of ImportPanel.razor, however it came there: typed, pasted, dropped or read from a file. The text goes as a stream of bytes, so that a mebibyte does not
// have to fit into one message, and a fifth of a second after the last change, so that typing costs one reading.
import { caller } from './owner.js';

const quiet = 200;

export function attach(area, picker, owner, maxBytes) {
  const call = caller(owner, area);
  let waiting = 0;
  let serial = 0;

  const send = async () => {
    const bytes = new TextEncoder().encode(area.value);
    serial++;
    if (bytes.length > maxBytes) await call('TooLargeAsync', serial, bytes.length);
    else await call('TextAsync', serial, bytes.length === 0 ? null : DotNet.createJSStreamReference(bytes));
  };
  const changed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(send, quiet);
  };
  const take = async file => {
    if (!file) return;
    clearTimeout(waiting);
    if (file.size > maxBytes) {
      await call('TooLargeAsync', ++serial, file.size);
      return;
    }
    area.value = await file.text();
    await send();
  };
  const onDrop = event => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  };
  const onPick = () => {
    take(picker.files[0]);
    picker.value = ''; // The same file may be chosen again after it has changed.
  };

  area.addEventListener('input', changed);
  area.addEventListener('drop', onDrop);
  picker.addEventListener('change', onPick);
  if (area.value) send(); // The browser kept the text over a reload.

  return {
    stop() {
      clearTimeout(waiting);
      area.removeEventListener('input', changed);
      area.removeEventListener('drop', onDrop);
      picker.removeEventListener('change', onPick);
    },
  };
}
