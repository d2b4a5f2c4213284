-- For wrk: every request is made anew, so that both kinds cost the generator about the same.
-- Arguments: `same PATH`, or `unique COUNT START`: /api/vN/items/NUMBER, N going round below COUNT, NUMBER going up from START.
local kind, path, count, number

function init(args)
  kind, path = args[1], args[2]
  count, number = tonumber(args[2]), tonumber(args[3] or "0")
end

function request()
  if kind == "unique" then
    number = number + 1
    path = string.format("/api/v%d/items/%.0f", number % count, number)
  end
  return wrk.format("GET", path)
end
