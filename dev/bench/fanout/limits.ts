/** What the machine has to allow to thousands of clients. */
import { readFileSync } from "node:fs";

/** Beside its clients' sockets. */
const OTHER_FILES = 500;
/** The most that net.ipv4.tcp_wmem lets the kernel keep for a socket, by default. */
const FULL_SOCKET_BYTES = 4_194_304;
const PAGE_BYTES = 4_096;

type Sockets = {
  readonly clients: number;
  /** Those of them that will be full. */
  readonly slow: number;
  readonly tell: (line: string) => void;
};

/** Throws when there cannot be so many clients; warns when they would be slowed down by something else. */
export const checkLimits = ({ clients, slow, tell }: Sockets): void => {
  // Node raises the soft limit to the hard one by itself, for the programs that it starts too
  const limit = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const files = clients + OTHER_FILES;
  if (limit !== "unlimited" && Number(limit) < files)
    throw new Error(
      `${clients} clients need ${files} open files in a process, and ${limit} are allowed. Raise the hard limit ` +
        `(as root ulimit -n ${files}; LimitNOFILE of systemd, --ulimit of docker), or leave this part out by --only`,
    );
  // by itself a sixteenth of the machine's memory; beyond it the kernel is sparing with all sockets alike
  const pages = Number(readFileSync("/proc/sys/net/ipv4/tcp_mem", "utf8").split(/\s+/)[1]);
  const [needed, allowed] = [slow * FULL_SOCKET_BYTES, pages * PAGE_BYTES];
  if (allowed < needed)
    tell(
      `slow clients take ${megabytes(needed)} of the kernel, which is sparing with sockets beyond ` +
        `${megabytes(allowed)} (net.ipv4.tcp_mem): expect less of both servers`,
    );
};

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
