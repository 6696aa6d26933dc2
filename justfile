# arguments reach the command as they were quoted
set positional-arguments

# Every file, to name what runs whatever modes it was started with.
all := "docker compose --profile observe -f docker-compose.base.yaml -f docker-compose.v1.yaml -f docker-compose.v2.yaml -f docker-compose.v3.yaml"

# With which files it was started.
started := ".coffee-rt/compose-files"

# This list.
_default:
    @just --list --unsorted

# The whole system on this machine, without Docker: just start --modes v1,v2 --no-demo
start *options:
    npm start -- "$@"

# Every check: style, types, tests on real servers. A path runs only its tests.
test *options:
    npm test -- "$@"

# The tests that need no server.
test-unit *options:
    npm run test:unit -- "$@"

# What Biome and dependency-cruiser find; --write repairs what Biome can.
lint *options:
    npm run lint -- "$@"

# What the compiler finds.
typecheck:
    npm run typecheck

# The page, built for the API to serve: just build-dashboard --api https://api.example/ --out /srv/page
build-dashboard *options:
    npm run build:dashboard -- "$@"

# Every state of the page in pictures: just screenshots --only live,load
screenshots *options:
    npm run screenshots -- "$@"

# A sales export as input: just replay sales.csv --mode v2 --speed 60
replay *options:
    npm run replay -- "$@"

# Compares the rollups with the orders: just reconcile --repair
reconcile *options:
    npm run reconcile -- "$@"

# Orders that could not be counted: just dead-letters list
dead-letters *options:
    npm run dead-letters -- "$@"

# Drops expired data: just retention --dry-run
retention *options:
    npm run retention -- "$@"

# An order in every mode, and whether the dashboard counts it: just smoke --modes v1
smoke *options:
    npm run smoke -- "$@"

# Breaks the system on purpose, and checks what clients were told: just faults --mode v2 --fault kill-worker
faults *options:
    npm run faults -- "$@"

# A load profile: just load --mode v2 --profile spike
load *options:
    npm run load -- "$@"

# The laboratory: just lab all --scale standard; just lab E2 --modes v2
lab *options:
    npm run lab -- "$@"

# These modes in containers, with their boards and alerts, until all answer: just up v2, or several: just up v1 v2 v3
up +modes: (_up "--profile observe" modes)

# The same with nobody watching: no Prometheus, Grafana nor Loki
up-alone +modes: (_up "" modes)

_up options modes:
    @mkdir -p .coffee-rt && echo '{{ options }} -f docker-compose.base.yaml {{ prepend("-f docker-compose.", append(".yaml", modes)) }}' > {{ started }}
    docker compose $(cat {{ started }}) up --build --detach --wait --remove-orphans

# Stops and removes the containers; the data stays. just down --volumes removes it too.
down *options:
    {{ all }} down "$@"
    @rm -f {{ started }}

# What the containers say: just logs worker-v2
logs *services:
    {{ all }} logs --follow "$@"

# More of one service: just scale worker-v2=3. For order-api=4 first: API_PORT=8005-8008 into .env, and just up v2
scale +services: _was-started
    docker compose $(cat {{ started }}) scale "$@"

# The operator's commands on what runs in containers: just operate reconcile --repair. docs/operations.md has them.
operate *command: _was-started
    docker compose $(cat {{ started }}) run --rm --no-deps --env API_TOKEN order-api node services/operator/main.ts "$@"

# k6 in a container, on what runs in containers: just load-containers v2 spike. loadtest/README.md has its settings.
load-containers mode profile="smoke": _was-started
    docker compose $(cat {{ started }}) -f docker-compose.lab.yaml run --rm --env MODE={{ mode }} --env PROFILE={{ profile }} k6

# With other files than it was started with, compose would start the API anew, with other modes.
_was-started:
    @test -f {{ started }} || { echo 'Nothing was started here: just up v2' >&2; exit 1; }

# The compose files, the chart, the image and the workflows: just check-deploy --only chart
check-deploy *options:
    npm run check:deploy -- "$@"
