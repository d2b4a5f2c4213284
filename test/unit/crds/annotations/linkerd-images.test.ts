import { expect } from 'chai';
import { parseImage } from '../../../../crds/annotations/image.ts';
import { isLinkerdImage, isLinkerdVersion } from '../../../../crds/annotations/linkerd-images.ts';
import { type Injected, injectedWith, meshWith, PROXY_IMAGE } from '../../../support/pods.ts';

const C = 'config.linkerd.io/';
const images = ({ proxy, init }: Injected) => [proxy.image, init.image];

function ofNamespace(annotations: Record<string, string>): Injected {
  return injectedWith({}, { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', ...annotations } });
}

describe('what manifests still say of images of Linkerd', () => {
  for (const version of ['stable-2.14.10', 'edge-24.11.8', 'enterprise-2.16.2', 'preview-25.1.1', 'git-1a2b3c4d']) {
    it(`proxy-version: ${version} is ignored, on the pod and on the namespace, with a warning`, () => {
      for (const result of [
        injectedWith({ [`${C}proxy-version`]: version }),
        ofNamespace({ [`${C}proxy-version`]: version }),
      ]) {
        expect(images(result)).to.deep.equal([PROXY_IMAGE, PROXY_IMAGE]);
        expect(result.warnings.join()).to.contain('names a version of Linkerd').and.contain(version);
        expect(result.pod.metadata.annotations['linkerd.io/proxy-version']).to.equal('v1.2.3');
      }
    });
  }

  for (const version of ['v1.2.3', 'stable', 'edge', 'stable-1', 'edge-build', '2.14.10', 'latest', 'dev']) {
    it(`proxy-version: ${version} may be a version of ours, and holds`, () => {
      expect(isLinkerdVersion(version)).to.equal(false);
      expect(injectedWith({ [`${C}proxy-version`]: version }).proxy.image).to.equal(`localhost/weft-proxy:${version}`);
    });
  }

  for (const image of [
    'cr.l5d.io/linkerd/proxy:stable-2.14.10',
    'cr.l5d.io/linkerd/proxy',
    'ghcr.io/linkerd/proxy:edge-24.11.8',
    'gcr.io/linkerd-io/proxy:stable-2.7.1',
    'ghcr.io/buoyantio/proxy:enterprise-2.16.2',
  ]) {
    it(`proxy-image: ${image} is ignored, on the pod and on the namespace, with a warning`, () => {
      expect(isLinkerdImage(parseImage(image)!)).to.equal(true);
      for (const result of [
        injectedWith({ [`${C}proxy-image`]: image }),
        ofNamespace({ [`${C}proxy-image`]: image }),
      ]) {
        expect(images(result)).to.deep.equal([PROXY_IMAGE, PROXY_IMAGE]);
        expect(result.warnings.join()).to.contain('names an image of Linkerd').and.contain(image);
      }
    });
  }

  it('both together, as a manifest of 2.14 has them, give the image of the operator', () => {
    const leftover = {
      [`${C}proxy-image`]: 'cr.l5d.io/linkerd/proxy',
      [`${C}proxy-version`]: 'stable-2.14.10',
      [`${C}init-image`]: 'cr.l5d.io/linkerd/proxy-init',
      [`${C}init-image-version`]: 'v2.2.3',
      [`${C}debug-image`]: 'cr.l5d.io/linkerd/debug',
    };
    const result = injectedWith(leftover, { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', ...leftover } });
    expect(images(result)).to.deep.equal([PROXY_IMAGE, PROXY_IMAGE]);
    for (const name of Object.keys(leftover)) {
      expect(result.warnings.filter((warning) => warning.includes(name)).length, name).to.be.greaterThan(0);
    }
  });

  it('a namespace that names an image of Linkerd gives no pod the right to it', () => {
    const image = 'cr.l5d.io/linkerd/proxy:v5';
    const result = injectedWith(
      { [`${C}proxy-image`]: image },
      { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', [`${C}proxy-image`]: image } },
    );
    expect(result.proxy.image).to.equal(PROXY_IMAGE);
  });

  it('an image of any other registry is taken at its word', () => {
    for (const image of [
      'registry.example/linkerd/proxy:v5',
      'registry.example/mirror/cr.l5d.io/linkerd/proxy:stable-2.14.10',
    ]) {
      expect(images(ofNamespace({ [`${C}proxy-image`]: image }))).to.deep.equal([image, image]);
    }
    const mesh = meshWith({ image: 'registry.example/weft/proxy:v2' });
    expect(injectedWith({ [`${C}proxy-version`]: 'stable-2.14.10' }, { mesh }).proxy.image).to.equal(
      'registry.example/weft/proxy:v2',
    );
  });
});
