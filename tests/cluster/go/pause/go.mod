module githubstream.io/cluster/pause

go 1.25.0

tool githubstream.io/cluster/pause
