package ngx

type balancing struct{}
