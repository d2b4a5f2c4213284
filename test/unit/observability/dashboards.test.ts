import { expect } from 'chai';
import { DASHBOARDS } from '../../../hack/observability/dashboards/all.ts';
import { renderDashboard } from '../../../hack/observability/dashboards/render.ts';

/** What Grafana's schema of a dashboard demands of what we write. */
interface GridPosition {
  h: number;
  w: number;
  x: number;
  y: number;
}

interface RenderedPanel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: GridPosition;
  datasource?: { type: string; uid: string };
  fieldConfig?: { defaults: { unit: string } };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

interface Rendered {
  uid: string;
  title: string;
  schemaVersion: number;
  panels: RenderedPanel[];
  templating: {
    list: { name: string; type: string; datasource?: { uid: string }; query: string | { query: string } }[];
  };
}

const BUILT_IN = ['__rate_interval'];
/** Grafana: `uid` has at most 40 characters. */
const MAX_UID = 40;

function overlap(a: GridPosition, b: GridPosition): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
}

describe('dashboards', () => {
  it('have a name and title of their own', () => {
    const all = DASHBOARDS.map((dashboard) => renderDashboard(dashboard) as Rendered);
    expect(new Set(all.map(({ uid }) => uid)).size).to.equal(all.length);
    expect(new Set(all.map(({ title }) => title)).size).to.equal(all.length);
    for (const { uid } of all)
      expect(uid)
        .to.match(/^[a-z-]+$/)
        .and.to.have.length.at.most(MAX_UID);
  });

  for (const dashboard of DASHBOARDS) {
    describe(dashboard.title, () => {
      const rendered = renderDashboard(dashboard) as Rendered;
      const panels = rendered.panels.filter(({ type }) => type !== 'row');

      it('ask a data source that is chosen on the dashboard, and name no host', () => {
        const [source] = rendered.templating.list;
        expect(source).to.include({ name: 'datasource', type: 'datasource', query: 'prometheus' });
        const asked = [
          ...panels.map(({ datasource }) => datasource),
          ...panels.flatMap(({ targets }) => targets!.map(({ datasource }) => datasource)),
          ...rendered.templating.list.slice(1).map(({ datasource }) => datasource),
        ];
        for (const one of asked) expect(one).to.deep.equal({ type: 'prometheus', uid: '$datasource' });
        expect(JSON.stringify(rendered)).not.to.match(/https?:\/\//);
      });

      it('use each variable, after it is chosen, and no other', () => {
        const variables = rendered.templating.list.map(({ name }) => name);
        const queries = panels.flatMap(({ targets }) => targets!.map(({ expr }) => expr));
        expect(
          queries.flatMap(namesIn).filter((name) => !variables.includes(name) && !BUILT_IN.includes(name)),
        ).to.deep.equal([]);
        for (const [index, { name, query }] of rendered.templating.list.entries()) {
          expect(variables.slice(0, index)).to.include.members(namesIn(typeof query === 'string' ? '' : query.query));
          if (name !== 'datasource') expect(queries.join(' '), name).to.include(`$${name}`);
        }
      });

      it('have panels that do not overlap, each with a unit, a description and queries of different names', () => {
        const ids = rendered.panels.map(({ id }) => id);
        expect(new Set(ids).size).to.equal(ids.length);
        for (const [index, panel] of rendered.panels.entries()) {
          const { x, w } = panel.gridPos;
          expect(x + w, panel.title).to.be.at.most(24);
          for (const other of rendered.panels.slice(index + 1)) {
            expect(overlap(panel.gridPos, other.gridPos), `${panel.title}, ${other.title}`).to.equal(false);
          }
        }
        for (const { title, description, fieldConfig, targets } of panels) {
          expect(description, title).to.match(/\.$/);
          expect(fieldConfig?.defaults.unit, title).to.be.a('string');
          const names = targets!.map(({ refId }) => refId);
          expect(names, title).to.have.length.above(0);
          expect(new Set(names).size, title).to.equal(names.length);
        }
      });
    });
  }
});
