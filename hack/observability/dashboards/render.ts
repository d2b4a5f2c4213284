/** Grafana's JSON of a dashboard (its schema 39, Grafana 10 and later). Nothing in it names a host: the data source is a variable. */
import type { Dashboard, Panel, Row, Variable } from './model.ts';

const SCHEMA_VERSION = 39;
const GRID_WIDTH = 24;
const HEADING_HEIGHT = 1;
const HEIGHT: Readonly<Record<Panel['kind'], number>> = { stat: 4, timeseries: 8, table: 8 };
const TAG = 'weft';
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

const STYLES: Readonly<Record<Panel['kind'], { custom: object; options: object }>> = {
  timeseries: {
    custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },
  stat: {
    custom: {},
    options: {
      colorMode: 'value',
      graphMode: 'area',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  },
  table: { custom: {}, options: { showHeader: true, cellHeight: 'sm' } },
};

export function renderDashboard(dashboard: Dashboard): object {
  return {
    annotations: { list: [] },
    description: dashboard.description,
    editable: true,
    fiscalYearStartMonth: 0,
    graphTooltip: 1,
    id: null,
    links: [linkToOthers()],
    panels: renderRows(dashboard.rows),
    refresh: '30s',
    schemaVersion: SCHEMA_VERSION,
    tags: [TAG],
    templating: { list: [renderDatasource(), ...dashboard.variables.map(renderVariable)] },
    time: { from: 'now-30m', to: 'now' },
    timepicker: {},
    timezone: 'browser',
    title: `Weft: ${dashboard.title}`,
    uid: `weft-${dashboard.name}`,
    version: 1,
    weekStart: '',
  };
}

/** The other dashboards with the same tag, in a menu; the range of time and the variables go along. */
function linkToOthers(): object {
  return {
    asDropdown: true,
    icon: 'external link',
    includeVars: true,
    keepTime: true,
    tags: [TAG],
    targetBlank: false,
    title: 'Weft',
    tooltip: '',
    type: 'dashboards',
    url: '',
  };
}

function renderRows(rows: readonly Row[]): object[] {
  const rendered: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    const gridPos = { h: HEADING_HEIGHT, w: GRID_WIDTH, x: 0, y };
    rendered.push({ collapsed: false, gridPos, id: rendered.length + 1, panels: [], title, type: 'row' });
    y += HEADING_HEIGHT;
    let x = 0;
    let lineHeight = 0;
    for (const panel of panels) {
      if (x + panel.width > GRID_WIDTH) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      const h = HEIGHT[panel.kind];
      rendered.push(renderPanel(panel, rendered.length + 1, { h, w: panel.width, x, y }));
      x += panel.width;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return rendered;
}

function renderPanel(panel: Panel, id: number, gridPos: object): object {
  const { custom, options } = STYLES[panel.kind];
  const isShare = panel.unit === 'percentunit';
  return {
    datasource: DATASOURCE,
    description: panel.description,
    fieldConfig: {
      defaults: {
        color: { mode: panel.kind === 'timeseries' ? 'palette-classic' : 'thresholds' },
        custom,
        ...(isShare ? { min: 0, max: 1 } : {}),
        mappings: [],
        thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }] },
        unit: panel.unit,
      },
      overrides: [],
    },
    gridPos,
    id,
    options,
    targets: panel.queries.map(({ expr, legend }, index) => ({
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      ...(panel.kind === 'table' ? { format: 'table', instant: true, range: false } : { range: true }),
      legendFormat: legend,
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
    })),
    ...(panel.kind === 'table'
      ? { transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }] }
      : {}),
    title: panel.title,
    type: panel.kind,
  };
}

function renderDatasource(): object {
  return {
    hide: 0,
    includeAll: false,
    label: 'Data source',
    multi: false,
    name: 'datasource',
    options: [],
    query: 'prometheus',
    refresh: 1,
    regex: '',
    type: 'datasource',
  };
}

/** `label_values(series, label)` of Grafana's data source for Prometheus. */
function renderVariable({ name, label, of, series }: Variable): object {
  const query = `label_values(${series}, ${of})`;
  return {
    datasource: DATASOURCE,
    hide: 0,
    includeAll: false,
    label,
    multi: false,
    name,
    options: [],
    query: { query, refId: 'StandardVariableQuery' },
    refresh: 2,
    regex: '',
    sort: 1,
    type: 'query',
  };
}
