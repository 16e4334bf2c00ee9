package ngx

// restyFamily is "resty.core", its parts, and "tablepool"; it comes after the families that it speaks of.
var restyFamily = family{name: "resty", lua: "resty.lua"}
