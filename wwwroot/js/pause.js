// Whether the reader has paused the screen, read off the live lamp, where the shell shows it.

const paused = () => document.querySelector('[data-lamp]')?.classList.contains('lamp-paused') ?? false;

/** Resolves at once unless the screen is paused, else when it goes on. */
export function whenGoing() {
  if (!paused()) return Promise.resolve();
  return new Promise(resolve => {
    const observer = new MutationObserver(() => {
      if (paused()) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(document.querySelector('.top-bar') ?? document.body, { attributes: true, attributeFilter: ['class'], subtree: true });
  });
}
