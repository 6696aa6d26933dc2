/**
 * The stream and its scripts. An entry holds a JSON array of orders, their number `n`, and the running `total` of
 * orders ever added, this entry included: lag is a difference of totals, because entries are not orders and a
 * separate counter drifts.
 */
import type { Log } from "../../ports.ts";
import { openOutageLog } from "../../runtime/outage-log.ts";
import { type Options, openRedis, type RedisClient, redisOptions } from "../../runtime/redis.ts";

/** How long a read waits for entries; also how long stopping an idle worker may take. */
export const BLOCK_MS = 500;

const ADD = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local total = tonumber(ARGV[1])
if last[1] then
  local fields = last[1][2]
  for i = 1, #fields, 2 do if fields[i] == 'total' then total = total + (tonumber(fields[i + 1]) or 0) end end
end
return redis.call('XADD', KEYS[1], '*', 'orders', ARGV[2], 'n', ARGV[1], 'total', string.format('%.0f', total))`;

const FIELDS = `
local function fields(list) local t = {} for i = 1, #list, 2 do t[list[i]] = list[i + 1] end return t end
`;

/** Trims behind the oldest unsettled entry over all groups. MAXLEN would drop entries that are still pending. */
const TRIM = `${FIELDS}
local function before(a, b)
  local ams, aseq = string.match(a, '(%d+)-(%d+)')
  local bms, bseq = string.match(b, '(%d+)-(%d+)')
  if ams == bms then return tonumber(aseq) < tonumber(bseq) end
  return tonumber(ams) < tonumber(bms)
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local oldest
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = fields(info)
  local pending = redis.call('XPENDING', KEYS[1], group.name)
  local id = pending[1] > 0 and pending[2] or group['last-delivered-id']
  if not oldest or before(id, oldest) then oldest = id end
end
if not oldest then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', oldest)`;

/** Orders that the group has not settled, and the id of the oldest entry with such an order. */
const BACKLOG = `${FIELDS}
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then return {'0', ''} end
local from = '-'
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = fields(info)
  if group.name == ARGV[1] then
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
    from = pending[1] > 0 and pending[2] or '(' .. group['last-delivered-id']
  end
end
local oldest = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1)[1]
if not oldest then return {'0', ''} end
local entry = fields(oldest[2])
local before = (tonumber(entry.total) or 0) - (tonumber(entry.n) or 0)
return {string.format('%.0f', (tonumber(fields(last[2]).total) or 0) - before), oldest[1]}`;

/**
 * Resolves with the error by which Redis rejects a new entry. Redis never accepts the id 0-0, so nothing is stored, and
 * it checks the id last: after permissions, memory, its disk and its role.
 */
const PROBE = `
redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return redis.pcall('XADD', KEYS[1], '0-0', 'n', '0').err`;

export type StreamClient = RedisClient & {
  probeAdd(stream: string): Promise<string>;
  addOrders(stream: string, count: number, orders: string): Promise<string>;
  trimSettled(stream: string): Promise<number>;
  backlogOf(stream: string, group: string): Promise<[orders: string, oldestId: string]>;
};

/** A connection with the scripts above. */
export const openStream = (url: string, name: string, log: Log): StreamClient =>
  withScripts(openLogged(url, redisOptions(name), log));

/** A blocking read may take this long; then its server has disappeared without closing the connection. */
const READ_TIMEOUT_MS = BLOCK_MS + 2_000;

/**
 * A connection for blocking reads. Broken commands are not resent: the entries of a lost reply are already pending, and
 * only an error makes the consumer read them.
 */
export const openReader = (url: string, name: string, log: Log): StreamClient => {
  const options = {
    ...redisOptions(name),
    commandTimeout: READ_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
  };
  return withScripts(openLogged(url, options, log));
};

const openLogged = (url: string, options: Options, log: Log): RedisClient => {
  const outage = openOutageLog(log, {
    failing: "stream Redis unreachable, reconnecting",
    recovered: "stream Redis reachable again",
    fields: { mode: "v2", connection: options.connectionName },
  });
  return openRedis(url, options, (error) => outage.failed(error)).on("ready", outage.succeeded);
};

const withScripts = (client: RedisClient): StreamClient => {
  client.defineCommand("addOrders", { numberOfKeys: 1, lua: ADD });
  client.defineCommand("probeAdd", { numberOfKeys: 1, lua: PROBE });
  client.defineCommand("trimSettled", { numberOfKeys: 1, lua: TRIM });
  client.defineCommand("backlogOf", { numberOfKeys: 1, lua: BACKLOG });
  return client as StreamClient;
};

/** Milliseconds in an entry's id. */
export const entryTimeMs = (id: string): number => Number(id.split("-")[0]);
