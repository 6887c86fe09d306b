"""Data sets other than MNIST and its relatives.

A file `NAME.py` makes `NAME` a data set for params.yaml. Its function `load` returns
`((inputs, labels), (inputs, labels))`, for training and for testing: inputs `[n, *shape]`, channels
first, uint8 for the pixels of images and float32 for anything else; labels int64 `[n]`, from 0. Its
other parameters are the arguments in params.yaml. It gets one without being asked for, if it has
it: `folder`, where it may download files.

    def load():
        values = torch.load("data/own.pt", weights_only=True)
        return (values["x"], values["y"]), (values["x_test"], values["y_test"])

The values must be the same on every machine, so a random generator needs a seed of its own. An
error of the function becomes one line for the user.
"""
