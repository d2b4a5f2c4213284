import { expect } from 'chai';
import { installation } from '../../../cli/install/objects.ts';
import { PARTS } from '../../../cli/install/parts.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import { OPERATOR_ROLES } from '../../../crds/types/operator-role.ts';
import {
  CONFIG_PORT_NAME,
  CONTROL_PLANE_SERVICE,
  VIZ_PORT_NAME,
  VIZ_SERVICE,
} from '../../../proxy-image/contract/names.ts';

interface Service {
  metadata: { name: string };
  spec: { selector: Record<string, string>; ports: { name: string; targetPort: string }[] };
}

interface Deployment {
  metadata: { name: string };
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        serviceAccountName: string;
        containers: [{ ports: { name: string }[]; env: { name: string; value?: string }[] }];
      };
    };
  };
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

describe('roles in Deployments of their own', () => {
  const { controlPlane } = installation(SOURCES, { 'operator.split': 'true', ha: 'true' });
  const ofKind = (kind: string) => controlPlane.filter((object) => object.kind === kind);
  const deployments = ofKind('Deployment') as unknown as Deployment[];
  const services = ofKind('Service') as unknown as Service[];
  const labelsOf = ({ spec }: Deployment) => spec.template.metadata.labels;
  const portsOf = ({ spec }: Deployment) => spec.template.spec.containers[0].ports.map(({ name }) => name);

  /** A named port of a Service leads to the selected pods that have a port of that name, and to no others. */
  const behind = (service: string, port: string) =>
    deployments
      .filter((deployment) =>
        services.some(
          ({ metadata, spec }) => metadata.name === service && selects(spec.selector, labelsOf(deployment)),
        ),
      )
      .filter((deployment) => portsOf(deployment).includes(port))
      .map(({ metadata }) => metadata.name);

  it('are behind the Services of before: each port leads to the part that serves it', () => {
    expect(behind(CONTROL_PLANE_SERVICE, CONFIG_PORT_NAME)).to.deep.equal(['weft-config']);
    expect(behind('weft-operator', 'identity')).to.deep.equal(['weft-identity']);
    expect(behind('weft-operator', 'webhooks')).to.deep.equal(['weft-webhooks']);
    expect(behind('weft-operator', 'admin')).to.have.members(PARTS.map(({ name }) => name));
    expect(behind(VIZ_SERVICE, VIZ_PORT_NAME)).to.deep.equal(['weft-config']);
  });

  it('select their own pods only, run as accounts of their own, and have the roles that their rights are for', () => {
    for (const deployment of deployments) {
      const { name } = deployment.metadata;
      const { selector, template } = deployment.spec;
      const selected = deployments.filter((other) => selects(selector.matchLabels, labelsOf(other)));
      expect(selected.map(({ metadata }) => metadata.name)).to.deep.equal([name]);
      expect(template.spec.serviceAccountName).to.equal(name);
      const roles = template.spec.containers[0].env.find((each) => each.name === 'WEFT_OPERATOR_ROLES')?.value;
      expect(roles).to.equal(PARTS.find((part) => part.name === name)?.roles.join());
      // Spread, and kept from one another's nodes, by the labels of its own pods.
      expect(JSON.stringify(template.spec).match(/"app\.kubernetes\.io\/name":"[^"]*"/g)).to.satisfy((all: string[]) =>
        all.every((label) => label.endsWith(`"${name}"`)),
      );
    }
    expect(deployments).to.have.length(PARTS.length);
  });

  it('are all there, each once', () => {
    expect(PARTS.flatMap(({ roles }) => roles)).to.have.members([...OPERATOR_ROLES]);
  });
});
