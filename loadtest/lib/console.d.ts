/** k6 has a console, which its types do not say. */
declare const console: { log(text: string): void };
