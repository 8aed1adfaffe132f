/** On a phone one part is shown at a time. */

import { byId } from "./dom.js";

const NAMES = ["conversation", "tools", "figures"];

/** Returns what shows a part by its name. */
export function wireTabs() {
  const tabs = NAMES.map((name) => byId(`tab-${name}`));
  const choose = (name, focus) => {
    document.documentElement.dataset.tab = name;
    for (const tab of tabs) {
      const chosen = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) tab.focus();
    }
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(NAMES[index]));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) choose(NAMES[(index + step + NAMES.length) % NAMES.length], true);
    });
  }
  return choose;
}
