-- ngx.re.*: match, find, gmatch, sub, gsub, split and opt over weir_re.h, without a crossing into Go.
--
-- The chunk returns a function build(env), which returns the five functions of ngx.re in one table and those of the
-- module "ngx.re" (split, opt) in a second. env may hold
--   cache_max_entries  compiled patterns kept for option "o" (lua_regex_cache_max_entries, 1024)
--   match_limit        of PCRE2; 0 is its own (lua_regex_match_limit)
--   log_error          function(message): why a replacement template is bad
--   patterns           the address of a weir_re_set_t, which the patterns are of
-- Results, words and argument checks are those of lua-resty-core's regex.lua and re.lua.

local ffi = require "ffi"
local bit = require "bit"
local C = ffi.C
local ffi_string, ffi_gc, ffi_cast = ffi.string, ffi.gc, ffi.cast
local band, bor, lshift = bit.band, bit.bor, bit.lshift
local sub, byte, find = string.sub, string.byte, string.find
local type, tostring, tonumber, error, setmetatable = type, tostring, tonumber, error, setmetatable
local new_tab = require "table.new"
local buffer = require "string.buffer"

if not pcall(ffi.typeof, "weir_re_t") then
    ffi.cdef[[
    typedef struct weir_re {
        void *code; const unsigned char *name_table; int name_count; int name_entry_size; int ncaptures; int flags;
        int jitted; uint32_t match_limit; int *captures;
    } weir_re_t;
    weir_re_t *weir_re_compile(void *set, const char *pattern, size_t len, int flags, uint32_t match_limit,
                               char *err, size_t err_size);
    void weir_re_free(weir_re_t *re);
    int weir_re_exec(weir_re_t *re, const char *s, size_t len, size_t pos);
    void weir_re_set_jit_stack(size_t size);
    ]]
end

local CASELESS, MULTILINE, DOTALL, EXTENDED, ANCHORED = 0x1, 0x2, 0x4, 0x8, 0x10
local UTF, NO_UTF_CHECK, DUPNAMES, JAVASCRIPT, DFA, JIT = 0x20, 0x40, 0x80, 0x100, 0x200, 0x400
local ONCE = 0x10000 -- ours: not for C

local bytes = ffi.typeof("const char *")

local letters = {
    a = ANCHORED, d = DFA, D = DUPNAMES, i = CASELESS, j = JIT, J = JAVASCRIPT, m = MULTILINE, o = ONCE,
    s = DOTALL, u = UTF, U = bor(UTF, NO_UTF_CHECK), x = EXTENDED,
}

local NO_MATCH = -1
local KEEP = 65536 -- bytes: a larger buffer goes back to the allocator
local ERROR_SIZE = 512
local errors = ffi.new("char[?]", ERROR_SIZE)

local known_opts = {}

-- Level 4 is who called the function of ngx.re: flags_of, prepare, that function.
local function flags_of(opts)
    local flags = known_opts[opts]
    if flags then
        return flags
    end
    flags = 0
    for i = 1, #opts do
        local letter = sub(opts, i, i)
        local flag = letters[letter]
        if not flag then
            error('unknown flag "' .. letter .. '" (flags "' .. opts .. '")', 4)
        end
        flags = bor(flags, flag)
    end
    known_opts[opts] = flags
    return flags
end

local function release(re)
    C.weir_re_free(ffi_gc(re, nil))
end

-- Where the search goes on after an empty match at pos: never into the middle of a character.
local function step(re, subj, pos)
    pos = pos + 1
    if band(re.flags, UTF) ~= 0 then
        local b = byte(subj, pos + 1)
        while b and b >= 0x80 and b < 0xC0 do
            pos = pos + 1
            b = byte(subj, pos + 1)
        end
    end
    return pos
end

-- A DFA match says 0 when there are more alternatives than the one that is kept.
local function exec(re, subj, pos)
    local rc = C.weir_re_exec(re, subj, #subj, pos)
    if rc > 0 then
        return rc
    end
    if rc == 0 then
        return 1
    end
    if rc == NO_MATCH then
        return nil
    end
    return nil, "pcre_exec() failed: " .. rc
end

local function add_names(re, res)
    local entry, table, dup = re.name_entry_size, re.name_table, band(re.flags, DUPNAMES) ~= 0
    for i = 0, re.name_count - 1 do
        local at = table + i * entry
        local value, name = res[bor(lshift(at[0], 8), at[1])], ffi_string(at + 2)
        if not dup then
            res[name] = value
        elseif value then
            local old = res[name]
            if old then
                old[#old + 1] = value
            else
                res[name] = { value }
            end
        end
    end
end

-- Groups that took no part are false.
local function collect(re, subj, res)
    local caps, n = re.captures, re.ncaptures
    res = res or new_tab(n, re.name_count)
    for i = 0, n do
        local from = caps[2 * i]
        res[i] = from >= 0 and sub(subj, from + 1, caps[2 * i + 1])
    end
    if re.name_count > 0 then
        add_names(re, res)
    end
    return res
end

-- Two halves: what is used goes into the young one, and when that is full the old one is dropped. So a pattern in use
-- stays, as with an LRU list, and finding it costs two table reads.
local function new_cache(max)
    local limit = math.max(1, math.ceil(max / 2))
    local young, old, count = {}, {}, 0

    local function put(opts, pattern, re)
        if count >= limit then
            young, old, count = {}, young, 0
        end
        local t = young[opts]
        if not t then
            t = {}
            young[opts] = t
        end
        t[pattern] = re
        count = count + 1
    end

    local function get(opts, pattern)
        local t = young[opts]
        local re = t and t[pattern]
        if re then
            return re
        end
        t = old[opts]
        re = t and t[pattern]
        if re then
            put(opts, pattern, re)
        end
        return re
    end

    return get, put
end

-- A template is compiled to an array of strings and group numbers (ngx_stream_lua_script.c).
local function variable(template, at)
    local name, stop = template:match("^(%d+)()", at)
    if name then
        return tonumber(name), stop
    end
    local open = template:match("^{()", at)
    if not open then
        name = template:match("^[%w_]+", at)
    else
        name, stop = template:match("^(%d+)()", open)
        if name and byte(template, stop) == 125 then
            return tonumber(name), stop + 1
        end
        if not name then
            name, stop = template:match("^([%w_]*)()", open)
            if byte(template, stop) == 125 then
                open = false
            elseif open > #template then
                name = ""
            end
        end
        if open and name ~= "" then
            return nil, 'the closing bracket in "' .. name .. '" variable is missing'
        end
    end
    if name and name ~= "" then
        return nil, 'attempt to use named capturing variable "' .. name .. '" (named captures not supported yet)'
    end
    return nil, 'lua script: invalid capturing variable name found in "' .. template .. '"'
end

local function parse_template(template)
    local parts, at = {}, 1
    while at <= #template do
        local dollar = find(template, "$", at, true) or #template + 1
        if dollar > at then
            parts[#parts + 1] = sub(template, at, dollar - 1)
        end
        at = dollar + 1
        if dollar <= #template then
            if byte(template, at) == 36 then
                parts[#parts + 1], at = "$", at + 1
            else
                local group, rest = variable(template, at)
                if not group then
                    return nil, rest
                end
                parts[#parts + 1], at = group, rest
            end
        end
    end
    return parts
end

return function(env)
    env = env or {}
    local max_entries = env.cache_max_entries or 1024
    local match_limit = env.match_limit or 0
    local log_error = env.log_error or function() end
    local patterns = env.patterns
    local cached, remember = new_cache(max_entries)
    local used_cache = false

    -- Returns the compiled pattern and whether it is kept, or nil and the error.
    local function prepare(pattern, opts)
        opts = opts or ""
        local flags = flags_of(opts)
        local keep = max_entries > 0 and band(flags, ONCE) ~= 0
        if keep then
            local re = cached(opts, pattern)
            if re then
                return re, true
            end
        end
        local re = C.weir_re_compile(patterns, pattern, #pattern, band(flags, 0xFFFF), match_limit, errors, ERROR_SIZE)
        if re == nil then
            return nil, ffi_string(errors)
        end
        ffi_gc(re, C.weir_re_free)
        if keep then
            used_cache = true
            remember(opts, pattern, re)
        end
        return re, keep
    end

    local function start_of(ctx)
        local pos = ctx and ctx.pos
        if not pos or pos <= 0 then
            return 0
        end
        return pos - 1
    end

    local re_module = {}

    function re_module.match(subj, pattern, opts, ctx, res)
        subj = tostring(subj)
        local re, keep = prepare(pattern, opts)
        if not re then
            return nil, keep
        end
        local rc, err = exec(re, subj, start_of(ctx))
        if rc then
            if ctx then
                ctx.pos = re.captures[1] + 1
            end
            res = collect(re, subj, res)
        end
        if not keep then
            release(re)
        end
        if rc then
            return res
        end
        if err then
            return nil, err
        end
        return nil
    end

    function re_module.find(subj, pattern, opts, ctx, nth)
        subj = tostring(subj)
        local re, keep = prepare(pattern, opts)
        if not re then
            return nil, nil, keep
        end
        local rc, err = exec(re, subj, start_of(ctx))
        local from, to, groups = -1, -1, re.ncaptures
        nth = nth and nth > 0 and nth or 0
        if rc then
            local caps = re.captures
            if ctx then
                ctx.pos = caps[1] + 1
            end
            if nth < rc then
                from, to = caps[2 * nth], caps[2 * nth + 1]
            end
        end
        if not keep then
            release(re)
        end
        if err then
            return nil, nil, err
        end
        if not rc then
            return nil
        end
        if nth > groups then
            return nil, nil, "nth out of bound"
        end
        if from < 0 or to < 0 then
            return nil, nil
        end
        return from + 1, to
    end

    local function finish(iterator)
        local re = iterator.re
        iterator.re, iterator.subj = nil, nil
        if not iterator.keep then
            release(re)
        end
    end

    local gmatch_iterator = {}

    function gmatch_iterator.__call(iterator)
        local re, subj = iterator.re, iterator.subj
        if not re then
            return nil
        end
        local rc, err = exec(re, subj, iterator.pos)
        if not rc then
            finish(iterator)
            if err then
                return nil, err
            end
            return nil
        end
        local from, to = re.captures[0], re.captures[1]
        local res = collect(re, subj)
        iterator.pos = from == to and step(re, subj, to) or to
        if from == to and iterator.pos > #subj then
            finish(iterator)
        end
        return res
    end

    function re_module.gmatch(subj, pattern, opts)
        subj = tostring(subj)
        local re, keep = prepare(pattern, opts)
        if not re then
            return nil, keep
        end
        return setmetatable({ re = re, keep = keep, subj = subj, pos = 0 }, gmatch_iterator)
    end

    local templates, template_count = {}, 0

    local function template_of(text)
        local parts = templates[text]
        if parts then
            return parts
        end
        local err
        parts, err = parse_template(text)
        if not parts then
            log_error(err)
            return nil
        end
        if template_count >= 256 then
            templates, template_count = {}, 0
        end
        templates[text], template_count = parts, template_count + 1
        return parts
    end

    -- Appends a template's text for the match in re to out; text is the subject's bytes.
    local function expand(parts, re, rc, text, out)
        local caps = re.captures
        for i = 1, #parts do
            local part = parts[i]
            if type(part) == "string" then
                out:put(part)
            elseif part < rc and caps[2 * part] >= 0 then
                local from = caps[2 * part]
                out:putcdata(text + from, caps[2 * part + 1] - from)
            end
        end
    end

    -- Without a function nothing else can run in between, so one buffer serves all calls. re.captures is read before
    -- a function is called: it may match with the same pattern.
    local shared = buffer.new(1024)

    local function replace_all(re, subj, parts, func, global)
        local out = func and buffer.new() or shared:reset()
        local text, count, copied, pos = ffi_cast(bytes, subj), 0, 0, 0
        while true do
            local rc, err = exec(re, subj, pos)
            if err then
                return nil, nil, err
            end
            if not rc then
                break
            end
            count = count + 1
            local from, to = re.captures[0], re.captures[1]
            if from > copied then
                out:putcdata(text + copied, from - copied)
            end
            if func then
                out:put(tostring(func(collect(re, subj))))
            else
                expand(parts, re, rc, text, out)
            end
            copied, pos = to, to
            if from == to then
                pos = step(re, subj, to)
            end
            if not global or pos > #subj then
                break
            end
        end
        if count == 0 then
            return subj, 0
        end
        out:putcdata(text + copied, #subj - copied)
        local replaced = out:tostring()
        if #replaced > KEEP then
            out:free()
        end
        return replaced, count
    end

    local function replace(subj, pattern, replacement, opts, global)
        local func = type(replacement) == "function" and replacement
        local re, keep = prepare(pattern, opts)
        if not re then
            return nil, nil, keep
        end
        local parts = not func and template_of(tostring(replacement))
        if not func and not parts then
            return nil, nil, "failed to compile the replacement template"
        end
        subj = tostring(subj)
        local text, count, err = replace_all(re, subj, parts, func, global)
        if not keep then
            release(re)
        end
        if err then
            return nil, nil, err
        end
        return text, count
    end

    function re_module.sub(subj, pattern, replacement, opts)
        return replace(subj, pattern, replacement, opts, false)
    end

    function re_module.gsub(subj, pattern, replacement, opts)
        return replace(subj, pattern, replacement, opts, true)
    end

    local more = {}

    -- One separator from ctx.pos (an offset) on: where it begins and ends (1-based, end beyond), its first group.
    local function separator(re, subj, ctx)
        local rc, err = exec(re, subj, ctx.pos > 0 and ctx.pos or 0)
        if not rc then
            return nil, nil, nil, err
        end
        local caps = re.captures
        local from, to = caps[0], caps[1]
        ctx.pos = from == to and step(re, subj, to) or to
        if re.ncaptures > 0 and rc > 1 and caps[2] >= 0 then
            return from + 1, to + 1, sub(subj, caps[2] + 1, caps[3])
        end
        return from + 1, to + 1
    end

    -- Puts the pieces into res; returns their number and where the rest begins. An empty separator cuts before
    -- the next character, but not where the last cut was.
    local function cut(re, subj, ctx, max, res)
        local begin, n, count, empty = ctx.pos + 1, 0, 1, nil
        while max <= 0 or count < max do
            local from, to, group, err = separator(re, subj, ctx)
            if err then
                return nil, err
            end
            if not from then
                break
            end
            if empty then
                begin = empty
            end
            if from == to then
                empty = from
            end
            if from > begin or not empty then
                count = count + 1
                n = n + 1
                res[n] = sub(subj, begin, from - 1)
                if group then
                    n = n + 1
                    res[n] = group
                end
                begin = to
                if begin > #subj then
                    break
                end
            end
        end
        return n, begin
    end

    function more.split(subj, pattern, opts, ctx, max, res)
        subj = tostring(subj)
        max = max or 0
        if res ~= nil and type(res) ~= "table" then
            error("res is not a table", 2)
        end
        ctx = ctx or {}
        ctx.pos = ctx.pos or 1
        res = res or {}
        if ctx.pos > #subj then
            res[1] = nil
            return res
        end
        local re, keep = prepare(pattern, opts)
        if not re then
            return nil, keep
        end
        ctx.pos = ctx.pos - 1
        local n, begin = cut(re, subj, ctx, max, res)
        if not keep then
            release(re)
        end
        if not n then
            return nil, begin
        end
        if max <= 0 and begin > #subj then
            while n > 0 and res[n] == "" do
                res[n] = nil
                n = n - 1
            end
        else
            n = n + 1
            res[n] = sub(subj, begin)
        end
        res[n + 1] = nil
        return res
    end

    function more.opt(option, value)
        if option ~= "jit_stack_size" then
            error("unrecognized option name", 2)
        end
        if used_cache then
            error("changing jit stack size is not allowed when some regexs have already been compiled and cached", 2)
        end
        C.weir_re_set_jit_stack(value)
    end

    return re_module, more
end
