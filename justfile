# arguments reach the command as they were quoted
set positional-arguments

# Every file, to name what runs whatever modes it was started with.
all := "docker compose -f docker-compose.base.yaml -f docker-compose.v1.yaml -f docker-compose.v2.yaml -f docker-compose.v3.yaml"

# This list.
_default:
    @just --list --unsorted

# The whole system on this machine, without Docker: just start --modes v1,v2 --no-demo
start *options:
    npm start -- "$@"

# Every check: style, types, tests on real servers. A path runs only its tests.
test *options:
    npm test -- "$@"

# What biome finds; --write repairs what it can.
lint *options:
    npm run lint -- "$@"

# What the compiler finds.
typecheck:
    npm run typecheck

# A sales export as input: just replay sales.csv --mode v2 --speed 60
replay *options:
    npm run replay -- "$@"

# Are the metrics what the orders say? just reconcile --repair
reconcile *options:
    npm run reconcile -- "$@"

# Orders that could not be counted: just dead-letters list
dead-letters *options:
    npm run dead-letters -- "$@"

# Drops what is older than it is kept: just retention --dry-run
retention *options:
    npm run retention -- "$@"

# Breaks the system on purpose, and checks what clients were told: just faults --mode v2 --fault kill-worker
faults *options:
    npm run faults -- "$@"

# Load by k6: just load --mode v2 --profile spike
load *options:
    npm run load -- "$@"

# The laboratory: just lab all --scale standard; just lab E2 --modes v2
lab *options:
    npm run lab -- "$@"

# These modes in containers: just up v2, or several: just up v1 v2 v3
up +modes:
    docker compose -f docker-compose.base.yaml {{ prepend("-f docker-compose.", append(".yaml", modes)) }} up --build --detach

# Stops and removes the containers; the data stays. just down --volumes removes it too.
down *options:
    {{ all }} down "$@"

# What the containers say: just logs worker-v2
logs *services:
    {{ all }} logs --follow "$@"

# More of one service: just scale worker-v2=3. For order-api=4 first: API_PORT=8005-8008 just up v2
scale +services:
    {{ all }} scale "$@"
