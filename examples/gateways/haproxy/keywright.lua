-- Asks Keywright whether a request may go on. Sets X-Keywright-* on the request where it may, and answers it where not.

local url = "http://127.0.0.1:8300/v1/authorize?tenant=my-blog"
local timeout = 1000 -- milliseconds
local facts = {
  "x-keywright-code", "x-keywright-key-id", "x-keywright-key-name", "x-keywright-identity-id",
  "x-keywright-identity-kind", "x-keywright-identity-name", "x-keywright-tenant", "x-keywright-roles",
  "x-keywright-action", "x-keywright-resource",
}
local told = { "www-authenticate", "retry-after", "x-keywright-code", "content-type" }
local refusals = { [401] = true, [403] = true, [429] = true, [503] = true }

local function values(headers, name)
  local found = {}
  for _, value in pairs(headers[name] or {}) do found[#found + 1] = value end
  return #found > 0 and found or nil
end

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status })
  for _, name in ipairs(told) do
    for _, value in ipairs(values(headers, name) or {}) do reply:add_header(name, value) end
  end
  reply:set_body(body or "")
  txn:done(reply)
end

core.register_action("keywright", { "http-req" }, function(txn)
  local sent = txn.http:req_get_headers()
  local asked, answer = pcall(function()
    return core.httpclient():get({
      url = url,
      timeout = timeout,
      headers = {
        ["authorization"] = values(sent, "authorization"),
        ["x-api-key"] = values(sent, "x-api-key"),
        ["x-original-method"] = { txn.f:method() },
        ["x-original-uri"] = { txn.f:pathq() },
        ["x-forwarded-for"] = { txn.f:src() },
      },
    })
  end)
  if not asked or answer == nil then return refuse(txn, 503, {}) end
  if refusals[answer.status] then return refuse(txn, answer.status, answer.headers, answer.body) end
  if answer.status ~= 204 then return refuse(txn, 503, {}) end
  for _, name in ipairs(facts) do
    txn.http:req_set_header(name, (values(answer.headers, name) or { "" })[1])
  end
end)
