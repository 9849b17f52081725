"""The demo: sample events through a whole application, watched live, and counted independently.

`producing` sends, `facts` says what a record tells, `reading` brings the records, `summary` counts,
`story` keeps what happened last, `view` draws it, `run` puts them together.
"""
