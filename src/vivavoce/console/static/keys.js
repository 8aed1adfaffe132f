/** Space mutes (or is held to talk), Esc stops the agent, a letter begins a message, Enter sends it. */

const TYPED = "input:not([type=range]), textarea, select, [contenteditable]";
const PRESSED = "button, summary, a, [role=tab]";

export function wireKeys({ live, push, mute, talk, stop, type }) {
  let held = false;
  document.addEventListener("keydown", (event) => {
    if (!live() || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      stop();
      if (event.target.closest(TYPED)) event.target.blur(); // the keys are the call's again
      event.preventDefault();
    } else if (event.target.closest(TYPED)) {
      return;
    } else if (event.key === " " && !event.target.closest(PRESSED)) {
      event.preventDefault();
      if (event.repeat) return;
      if (push()) talk((held = true));
      else mute();
    } else if (event.key.length === 1 && event.key !== " ") {
      type(); // focus moves before the letter lands, so the letter is not lost
    }
  });
  const release = () => {
    if (held) talk((held = false));
  };
  document.addEventListener("keyup", (event) => event.key === " " && release());
  window.addEventListener("blur", release);
}
