export interface LabelSelector {
  matchLabels: Readonly<Record<string, string>>;
  matchExpressions: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values: string[] }[];
}
