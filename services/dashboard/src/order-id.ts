/** A UUIDv7 (RFC 9562): what the API takes for an order's key. `random` is ten bytes or more. */
export const orderIdOf = (atMs: number, random: Uint8Array): string => {
  const time = Math.floor(atMs).toString(16).padStart(12, "0");
  const rest = [...random.slice(0, 10)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // the variant is two bits; the digit that holds them is one of 8, 9, a, b
  const variant = (8 + (Number.parseInt(rest.charAt(4), 16) % 4)).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${rest.slice(1, 4)}`,
    `${variant}${rest.slice(5, 8)}`,
    rest.slice(8, 20),
  ].join("-");
};
