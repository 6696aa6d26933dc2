/**
 * npm run dashboards: turns the boards into Grafana's JSON by Grafana's own builders, and writes grafana/dashboards/*.json
 * and grafana/rules/recording.yaml.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  type DataSourceRef,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  AnnotationQueryBuilder,
  AnnotationTargetBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import type { Board, Panel, PanelQuery } from "./board.ts";
import { boards, RULES_FOLDER } from "./queries.ts";
import { recordingYaml } from "./rules/recording.ts";

const PROMETHEUS: DataSourceRef = { type: "prometheus", uid: "$datasource" };
/** Grafana's own annotations, which clients write by its HTTP API. */
const GRAFANA: DataSourceRef = { type: "grafana", uid: "-- Grafana --" };
const TAG = "coffee-rt";
/** The tag of the annotations that the lab writes for its runs. */
export const LAB_TAG = "coffee-rt-lab";

/** In columns, of 24. */
const WIDTH = { lines: 8, now: 4 };
const HEIGHT = { lines: 8, now: 4 };
const [GREEN, RED] = ["green", "red"];

const thresholds = ({ limit, isLeft }: Panel): ThresholdsConfigBuilder => {
  const [below, above] = isLeft ? [RED, GREEN] : [GREEN, RED];
  const steps = [
    { value: null, color: limit === undefined ? GREEN : below },
    ...(limit === undefined ? [] : [{ value: limit, color: above }]),
  ];
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps as Parameters<ThresholdsConfigBuilder["steps"]>[0]);
};

/** A current value is an instant query: the last value of a range would still look fine after its process has died. */
const target = ({ expr, legend }: PanelQuery, index: number, isNow: boolean): DataqueryBuilder => {
  const builder = new DataqueryBuilder().datasource(PROMETHEUS).expr(expr).legendFormat(legend);
  return (isNow ? builder.instant() : builder.range()).refId(String.fromCharCode("A".charCodeAt(0) + index));
};

const lines = (panel: Panel): TimeseriesBuilder => {
  const builder = new TimeseriesBuilder()
    .span(WIDTH.lines)
    .height(HEIGHT.lines)
    .fillOpacity(8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .thresholds(thresholds(panel))
    .min(0);
  // by default Grafana draws no threshold
  if (panel.limit !== undefined)
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  return builder;
};

const now = (panel: Panel): StatBuilder =>
  new StatBuilder()
    .span(WIDTH.now)
    .height(HEIGHT.now)
    .colorMode(panel.limit === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .textMode(hasNames(panel) ? BigValueTextMode.ValueAndName : BigValueTextMode.Auto)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .thresholds(thresholds(panel))
    .noValue("no data");

/** Several values, distinguished by their labels. */
const hasNames = ({ queries }: Panel): boolean => queries.some(({ legend }) => legend.includes("{{"));

const panelOf = (panel: Panel): TimeseriesBuilder | StatBuilder => {
  const builder = panel.isNow ? now(panel) : lines(panel);
  builder.title(panel.title).description(panel.description).unit(panel.unit).datasource(PROMETHEUS);
  for (const [index, query] of panel.queries.entries())
    builder.withTarget(target(query, index, panel.isNow === true));
  return builder;
};

const chooseModes = (): QueryVariableBuilder =>
  new QueryVariableBuilder("mode")
    .label("mode")
    .datasource(PROMETHEUS)
    .query("label_values(coffee_ingest_lag_orders, mode)")
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ text: "All", value: "$__all" });

const chooseSource = (): DatasourceVariableBuilder =>
  new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus");

/** Marks starts of programs, which explain many dips. A restarted container has a new address, hence a new series. */
const starts = (): AnnotationQueryBuilder =>
  new AnnotationQueryBuilder()
    .name("starts")
    .datasource(PROMETHEUS)
    .enable(true)
    .iconColor("blue")
    .expr('time() - process_start_time_seconds{job=~"order-api|worker"} < 60')
    .titleFormat("{{job}} started");

/** The builder of annotations accepts queries of data sources; Grafana's own annotations are selected by tags instead. */
const taggedByLab = (): Builder<Dataquery> =>
  new AnnotationTargetBuilder()
    .type("tags")
    .tags([LAB_TAG])
    .matchAny(true)
    .limit(1_000) as object as Builder<Dataquery>;

const labRuns = (): AnnotationQueryBuilder =>
  new AnnotationQueryBuilder()
    .name("lab")
    .datasource(GRAFANA)
    .enable(true)
    .iconColor("purple")
    .type("tags")
    .target(taggedByLab());

export const uidOf = ({ name }: Board): string => `coffee-${name}`;

export const dashboardOf = (board: Board): Dashboard => {
  const builder = new DashboardBuilder(`Coffee-RT / ${board.title}`)
    .uid(uidOf(board))
    .description(board.description)
    .tags([TAG])
    .readonly()
    .refresh("10s")
    .time({ from: "now-30m", to: "now" })
    .timezone("utc")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("Coffee-RT")
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(chooseSource())
    .annotation(starts());
  if (board.hasModes) builder.withVariable(chooseModes());
  if (board.isMarkedByLab) builder.annotation(labRuns());
  for (const { title, panels } of board.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panelOf(panel));
  }
  return finished(builder.build());
};

/**
 * Without ids Grafana numbers the panels at each load, and links to a panel would break. `placement` would hide links and
 * annotations in a menu, which Grafana 12 does not show for a list of boards.
 */
const finished = (dashboard: Dashboard): Dashboard => ({
  ...dashboard,
  annotations: {
    ...dashboard.annotations,
    list: (dashboard.annotations?.list ?? []).map(({ placement: _, ...annotation }) => annotation),
  },
  links: (dashboard.links ?? []).map(({ placement: _, ...link }) => link),
  panels: (dashboard.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 })),
});

/** The committed text: the same board always gives the same one. */
export const jsonOf = (board: Board): string => `${JSON.stringify(dashboardOf(board), null, 2)}\n`;

const main = (): void => {
  const folder = join(import.meta.dirname, "dashboards");
  mkdirSync(folder, { recursive: true });
  for (const board of boards) {
    writeFileSync(join(folder, `${board.name}.json`), jsonOf(board));
    console.log(`grafana/dashboards/${board.name}.json`);
  }
  writeFileSync(join(RULES_FOLDER, "recording.yaml"), recordingYaml());
  console.log("grafana/rules/recording.yaml");
};

// not import.meta.main: dev/bootstrap.mjs imports the commands of npm
if (process.argv[1] === import.meta.filename) main();
