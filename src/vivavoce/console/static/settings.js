/** The settings sheet and the theme switch. */

import { byId, make } from "./dom.js";

const THEMES = { auto: "automatic", light: "light", dark: "dark" };

/** `changed(name)` hears of every choice once it is remembered. */
export function wireSettings(preferences, changed) {
  const sheet = byId("settings");
  byId("open-settings").addEventListener("click", () => {
    showDevices(preferences);
    byId("key-setting").value = preferences.key;
    sheet.showModal();
  });
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  for (const name of ["input", "output", "space", "transport"]) {
    byId(name).value = preferences.get(name);
    byId(name).addEventListener("change", (event) => {
      preferences.set(name, event.target.value);
      changed(name);
    });
  }
  byId("key-setting").addEventListener("change", (event) => {
    preferences.key = event.target.value.trim();
    changed("key");
  });
  navigator.mediaDevices?.addEventListener?.("devicechange", () => sheet.open && showDevices(preferences));
  wireTheme(preferences);
}

async function showDevices(preferences) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  fill(byId("input"), devices.filter((device) => device.kind === "audioinput"), preferences.get("input"));
  fill(byId("output"), devices.filter((device) => device.kind === "audiooutput"), preferences.get("output"));
  const canChoose = "setSinkId" in HTMLMediaElement.prototype;
  byId("output").disabled = !canChoose;
  byId("output-hint").hidden = canChoose;
}

/** Browsers name devices only to pages that were allowed to listen. A remembered device that is away stays chosen. */
function fill(select, devices, chosen) {
  const known = devices.filter((device) => device.deviceId && device.deviceId !== "default");
  const options = known.map((device, index) => make("option", { value: device.deviceId }, device.label || `Device ${index + 1}`));
  if (chosen && !known.some((device) => device.deviceId === chosen)) options.push(make("option", { value: chosen }, "Remembered device (not connected)"));
  select.replaceChildren(make("option", { value: "" }, "System default"), ...options);
  select.value = chosen;
}

/** The button in the top bar. */
export function wireTheme(preferences) {
  const button = byId("theme");
  const show = () => {
    const theme = preferences.get("theme");
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Theme: ${THEMES[theme]}`);
    button.title = `Theme: ${THEMES[theme]}`;
  };
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    preferences.set("theme", names[(names.indexOf(preferences.get("theme")) + 1) % names.length]);
    show();
  });
  show();
}
