// The program that holds a pod's namespaces open.
module weft.dev/hack/cluster/pause

go 1.24
