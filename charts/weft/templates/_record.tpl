{{- /* Made by `make packages`; what is changed here by hand is found by a test. */}}
{{- define "weft.record" }}
{{- $set := dict }}
{{- if ne (toString .Values.ha) "false" }}{{ $_ := set $set "ha" (toString .Values.ha) }}{{ end }}
{{- if ne (toString .Values.images.prefix) "localhost/" }}{{ $_ := set $set "images.prefix" (toString .Values.images.prefix) }}{{ end }}
{{- if ne (toString .Values.images.tag) "dev" }}{{ $_ := set $set "images.tag" (toString .Values.images.tag) }}{{ end }}
{{- if .Values.images.operator }}{{ $_ := set $set "images.operator" (toString .Values.images.operator) }}{{ end }}
{{- if .Values.images.proxy }}{{ $_ := set $set "images.proxy" (toString .Values.images.proxy) }}{{ end }}
{{- if .Values.images.cli }}{{ $_ := set $set "images.cli" (toString .Values.images.cli) }}{{ end }}
{{- if ne (toString .Values.images.pullPolicy) "IfNotPresent" }}{{ $_ := set $set "images.pullPolicy" (toString .Values.images.pullPolicy) }}{{ end }}
{{- if ne (toString .Values.images.inputs) "unknown" }}{{ $_ := set $set "images.inputs" (toString .Values.images.inputs) }}{{ end }}
{{- if ne (toJson .Values.images.pullSecrets) "[]" }}{{ $_ := set $set "images.pullSecrets" (toJson .Values.images.pullSecrets) }}{{ end }}
{{- if ne (toString .Values.namespace.create) "true" }}{{ $_ := set $set "namespace.create" (toString .Values.namespace.create) }}{{ end }}
{{- if ne (toString .Values.namespace.podSecurity) "restricted" }}{{ $_ := set $set "namespace.podSecurity" (toString .Values.namespace.podSecurity) }}{{ end }}
{{- if ne (toString .Values.networkPolicy.enabled) "false" }}{{ $_ := set $set "networkPolicy.enabled" (toString .Values.networkPolicy.enabled) }}{{ end }}
{{- if ne (toString .Values.viz.enabled) "true" }}{{ $_ := set $set "viz.enabled" (toString .Values.viz.enabled) }}{{ end }}
{{- if ne (toString .Values.operator.split) "false" }}{{ $_ := set $set "operator.split" (toString .Values.operator.split) }}{{ end }}
{{- if .Values.operator.replicas }}{{ $_ := set $set "operator.replicas" (toString .Values.operator.replicas) }}{{ end }}
{{- if .Values.operator.logLevel }}{{ $_ := set $set "operator.logLevel" (toString .Values.operator.logLevel) }}{{ end }}
{{- if ne (toString .Values.operator.podDisruptionBudget) "true" }}{{ $_ := set $set "operator.podDisruptionBudget" (toString .Values.operator.podDisruptionBudget) }}{{ end }}
{{- if ne (toString .Values.operator.priorityClassName) "system-cluster-critical" }}{{ $_ := set $set "operator.priorityClassName" (toString .Values.operator.priorityClassName) }}{{ end }}
{{- if ne (toJson .Values.operator.nodeSelector) "{}" }}{{ $_ := set $set "operator.nodeSelector" (toJson .Values.operator.nodeSelector) }}{{ end }}
{{- if ne (toJson .Values.operator.tolerations) "[]" }}{{ $_ := set $set "operator.tolerations" (toJson .Values.operator.tolerations) }}{{ end }}
{{- if ne (toString .Values.operator.resources.requests.cpu) "100m" }}{{ $_ := set $set "operator.resources.requests.cpu" (toString .Values.operator.resources.requests.cpu) }}{{ end }}
{{- if ne (toString .Values.operator.resources.requests.memory) "128Mi" }}{{ $_ := set $set "operator.resources.requests.memory" (toString .Values.operator.resources.requests.memory) }}{{ end }}
{{- if .Values.operator.resources.limits.cpu }}{{ $_ := set $set "operator.resources.limits.cpu" (toString .Values.operator.resources.limits.cpu) }}{{ end }}
{{- if ne (toString .Values.operator.resources.limits.memory) "1Gi" }}{{ $_ := set $set "operator.resources.limits.memory" (toString .Values.operator.resources.limits.memory) }}{{ end }}
{{- if $set }}{{ toJson $set }}{{ end }}
{{- end }}
