-- Routes: those of policy.linkerd.io, for which Argo CD has no check, and those of the Gateway API, whose checks it ships look at less: the one for GRPCRoute takes
-- conditions of an earlier generation, both are satisfied by one parent. Here every parent that is a Service or a Server needs a word from Weft on this generation.
local CONTROLLER = "linkerd.io/policy-controller"
-- What a route names may be applied after it: that is waited for, as all kinds of Weft do.
local COMING = { NoMatchingParent = true, BackendNotFound = true, FilterNotFound = true }
local FIELDS = { "group", "kind", "namespace", "name", "sectionName", "port" }

local generation = obj.metadata.generation
local entries = {}
if obj.status ~= nil and obj.status.parents ~= nil then
  entries = obj.status.parents
end
local references = {}
if obj.spec ~= nil and obj.spec.parentRefs ~= nil then
  references = obj.spec.parentRefs
end

local function ours(reference)
  local group = reference.group
  local isService = reference.kind == "Service" and (group == "" or group == "core")
  local isPolicy = reference.kind == "Server" or reference.kind == "EgressNetwork"
  return isService or (isPolicy and group == "policy.linkerd.io")
end

local function same(a, b)
  for _, field in ipairs(FIELDS) do
    if a[field] ~= b[field] then
      return false
    end
  end
  return true
end

local function observed(conditions)
  if conditions == nil or #conditions == 0 then
    return false
  end
  for _, condition in ipairs(conditions) do
    if condition.observedGeneration ~= nil and condition.observedGeneration ~= generation then
      return false
    end
  end
  return true
end

-- What the conditions of one parent come to, and why; nil where nothing is against it.
local function judged(entry)
  local name = "Parent " .. (entry.parentRef.name or "") .. ": "
  local progressing = nil
  for _, condition in ipairs(entry.conditions) do
    local kind = condition.type
    local bad = (kind == "Accepted" or kind == "ResolvedRefs") and condition.status == "False"
    local coming = entry.controllerName == CONTROLLER and COMING[condition.reason]
    if (bad and not coming) or (kind == "PartiallyInvalid" and condition.status == "True") then
      return "Degraded", name .. condition.message
    end
    if (kind == "Accepted" or kind == "ResolvedRefs" or kind == "Programmed") and condition.status ~= "True" then
      progressing = name .. condition.message
    end
  end
  if progressing ~= nil then
    return "Progressing", progressing
  end
  return nil, ""
end

local waiting = nil
local current = 0
for _, entry in ipairs(entries) do
  if observed(entry.conditions) then
    current = current + 1
    local status, message = judged(entry)
    if status == "Degraded" then
      return { status = status, message = message }
    end
    if status ~= nil then
      waiting = message
    end
  end
end

for _, reference in ipairs(references) do
  if ours(reference) then
    local found = false
    for _, entry in ipairs(entries) do
      found = found or (entry.controllerName == CONTROLLER and same(entry.parentRef, reference) and observed(entry.conditions))
    end
    if not found then
      waiting = "Parent " .. (reference.name or "") .. ": Weft has not looked at this generation yet"
    end
  end
end

if waiting ~= nil then
  return { status = "Progressing", message = waiting }
end
if current == 0 then
  return { status = "Progressing", message = "no controller has looked at this generation yet" }
end
return { status = "Healthy", message = "accepted for every parent" }
