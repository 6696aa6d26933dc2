/** Why PostgreSQL refuses every connection with this DATABASE_URL, as opposed to a server that is down. */
import type { ClientConfig } from "pg";
import { messageOf } from "../runtime/lifecycle.ts";
import { tlsProblem } from "../runtime/tls-problem.ts";
import { sqlStateOf } from "./errors.ts";
import { RefusedConnection } from "./session.ts";

/** By SQLSTATE. What is said of a pooler holds for pgbouncer and its relatives, which have one state for everything. */
const REFUSALS: Readonly<Record<string, (text: string, config: ClientConfig) => string | null>> = {
  "28P01": (text, { user }) => `PostgreSQL refuses the password of the user "${user}" ("${text}")`,
  "28000": (text, { user }) => `PostgreSQL refuses the user "${user}" ("${text}")`,
  "3D000": (text) => `${text}; create the database, or name another one at the end of the URL`,
  // any other right is one of a statement that checks the session
  "42501": (text, { user }) =>
    /^permission denied for database/.test(text)
      ? `${text}; run GRANT CONNECT ON DATABASE for the user "${user}", see docs/deployment.md, "PostgreSQL roles"`
      : null,
  "08P01": (text) =>
    /unsupported startup parameter/.test(text)
      ? `the pooler rejects a parameter of the URL ("${text}"); set it for the role instead (ALTER ROLE … SET), or add it to the pooler's ignore_startup_parameters`
      : null,
};

const TRUST_BY =
  "add sslrootcert=/path/ca.pem to the URL, or set NODE_EXTRA_CA_CERTS to a file with that authority's certificate";

/** The error itself, or a sentence where no retry can succeed. */
export const explainedRefusal = (error: Error, config: ClientConfig): Error => {
  const text = messageOf(error);
  const tls = tlsProblem(error, TRUST_BY);
  const problem = /does not support SSL/.test(text)
    ? "sslmode asks for TLS, and the server does not offer it"
    : tls !== null
      ? `TLS fails, ${tls}`
      : (REFUSALS[sqlStateOf(error) ?? ""]?.(text, config) ?? null);
  return problem === null ? error : new RefusedConnection(`DATABASE_URL: ${problem}`, { cause: error });
};
