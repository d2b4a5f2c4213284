import { oneOf, PROTOCOLS, textList } from '../../parse/kubernetes-object.ts';
import { child, listOf, numberOf, readMeshMeta, readRecord, textOf } from '../../parse/metadata.ts';
import type { ServiceModel } from './model.ts';

const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;

/** A core/v1 Service. Never throws: the API server has validated the object, and what is missing all the same becomes empty. */
export function reduceService(raw: unknown): ServiceModel {
  const spec = child(raw, 'spec');
  const type = oneOf(textOf(spec, 'type'), TYPES, 'ClusterIP');
  const clusterIPs = listOf(spec, 'clusterIPs');
  const addresses = textList(clusterIPs.length > 0 ? clusterIPs : [child(spec, 'clusterIP')]);
  return {
    meta: readMeshMeta(raw),
    type,
    clusterIPs: type === 'ExternalName' ? [] : addresses.filter((ip) => ip !== '' && ip !== 'None'),
    headless: type !== 'ExternalName' && addresses.includes('None'),
    ports: listOf(spec, 'ports').map(reducePort),
    internalTrafficPolicy: oneOf(textOf(spec, 'internalTrafficPolicy'), ['Cluster', 'Local'], 'Cluster'),
    selector: readRecord(child(spec, 'selector')),
  };
}

/** An absent `targetPort` is the port itself (Service v1 API reference). */
function reducePort(raw: unknown): ServiceModel['ports'][number] {
  const port = numberOf(raw, 'port');
  const targetPort = child(raw, 'targetPort');
  const named = typeof targetPort === 'string' && targetPort !== '';
  return {
    name: textOf(raw, 'name'),
    port,
    targetPort: named ? targetPort : numberOf(raw, 'targetPort') || port,
    protocol: oneOf(textOf(raw, 'protocol'), PROTOCOLS, 'TCP'),
    appProtocol: textOf(raw, 'appProtocol'),
  };
}
