/** How a wait for a reply feels: people answer each other within about 200 ms and notice a pause from one second on. */

const QUICK_MS = 800;
const SLOW_MS = 1500;

export const paceOf = (ms) => (ms <= QUICK_MS ? "quick" : ms <= SLOW_MS ? "fair" : "slow");
