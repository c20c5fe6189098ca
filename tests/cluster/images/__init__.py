"""Builds the images where no registry can be reached, with buildah from the very Dockerfiles.

`python -m tests.cluster.images [component…]` builds the base image, the project's images and the
stand-ins for the public ones, and leaves an archive of each in `.cache/images/`, which
`ctr -n k8s.io images import` takes. Layers are kept in buildah's storage.
"""
