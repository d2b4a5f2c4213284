-- Every kind of Weft whose objects have conditions of their own. `Ready` never waits for proxies; what `Programmed` says of them, and `PodsInjected` of pods without, is told beside it.
local hs = { status = "Progressing", message = "the operator of Weft has not looked at this generation yet" }

local generation = obj.metadata.generation
local status = obj.status
if status == nil or status.observedGeneration ~= generation or status.conditions == nil then
  return hs
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  if condition.observedGeneration == generation then
    conditions[condition.type] = condition
  end
end

local stalled = conditions["Stalled"]
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end

local ready = conditions["Ready"]
if ready == nil then
  return hs
end
if ready.status ~= "True" then
  hs.message = ready.message
  return hs
end

hs.status = "Healthy"
hs.message = ready.message
for _, name in ipairs({ "Programmed", "PodsInjected" }) do
  local told = conditions[name]
  if told ~= nil and told.status == "False" then
    hs.message = hs.message .. "; " .. told.message
  end
end
return hs
