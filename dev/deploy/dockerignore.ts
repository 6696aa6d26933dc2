/** Which paths of the context COPY does not see: `*` within a name, `**` any folders, `!` takes back, the last one holds. */
export const ignoring = (text: string): ((path: string) => boolean) => {
  const rules = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ takesBack: line.startsWith("!"), pattern: patternOf(line.replace(/^!/, "")) }));
  return (path) => {
    const names = path.split("/").filter((name) => name !== "");
    // what holds for a folder holds for all that is in it
    const above = names.map((_, index) => names.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const { takesBack, pattern } of rules)
      if (above.some((each) => pattern.test(each))) ignored = !takesBack;
    return ignored;
  };
};

const patternOf = (text: string): RegExp => {
  const source = text
    .replace(/^\/|\/$/g, "")
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("**/", "\0")
    .replaceAll("*", "[^/]*")
    .replaceAll("\0", "(.*/)?");
  return new RegExp(`^${source}$`);
};
